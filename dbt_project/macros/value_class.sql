{#- What may be said of a value in a mart: itself, but never personal data. -#}
{% macro value_class(field, value) -%}
    case
        when {{ value }} is null then 'missing'
        -- whom an address belongs to stands before the @
        when {{ field }} = 'email' then split_part({{ value }}, '@', 2)
        -- a company may bear its owner's name
        when {{ field }} in ('phone', 'company') then 'known'
        else {{ value }}
    end
{%- endmacro %}
