"""How does a company's own file become a source?"""
