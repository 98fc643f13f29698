{# Two columns: by what a subject is related to others in relations.relation, which is its common
   cause, its person, or its site: merchant and approver. Null where it is not. #}
{% macro relation_keys(subjects) -%}
    case
        when relations.relation = 'cause' then {{ subjects }}.common_cause
        when {{ subjects }}.common_cause is not null then null
        when relations.relation = 'person' then {{ subjects }}.employee_id
        else {{ subjects }}.merchant_id
    end as first_key,
    case
        when relations.relation = 'site' then {{ subjects }}.approver_id
        else ''
    end as second_key
{%- endmacro %}
