{# Generated from models/rules by orchestration/rules.py: edit those, not this. #}
{% macro active_rules() %}
    {{ return([
        'rule_card_behaviour_001_dormant_card_wakes',
        'rule_card_behaviour_002_velocity',
        'rule_cash_like_001_gift_certificates',
        'rule_cash_like_002_amount_outlier',
        'rule_claims_001_duplicate_claim',
        'rule_claims_002_card_and_cash',
        'rule_limit_evasion_001_split_same_merchant',
        'rule_limit_evasion_002_just_below_limit',
        'rule_merchant_001_restricted_category',
        'rule_merchant_002_restricted_keyword',
        'rule_time_place_001_late_night',
        'rule_time_place_002_on_leave',
    ]) }}
{% endmacro %}
