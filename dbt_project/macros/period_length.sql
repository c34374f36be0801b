{#- How long a period of some kind is. -#}
{% macro period_length(kind) -%}
    case {{ kind }}
        when 'week' then interval '1 week'
        when 'month' then interval '1 month'
        when 'quarter' then interval '3 months'
    end
{%- endmacro %}
