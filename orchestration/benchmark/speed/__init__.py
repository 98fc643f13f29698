"""How long things take, beside other tools and as data grow."""
