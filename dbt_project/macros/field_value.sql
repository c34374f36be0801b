{#- What a row holds in the field that is named, as a text: numbers without zeroes at their end. -#}
{% macro field_value(fields, field, row) -%}
    case {{ field }}
        {%- for name in fields %}
            when '{{ name }}'
                then {% if name == 'score' %}trim_scale({{ row }}.score)::text
                {%- else %}{{ row }}.{{ name }}{% endif %}
        {%- endfor %}
    end
{%- endmacro %}
