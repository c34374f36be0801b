{#- The parts that a row counts in: the whole, and one part by each dimension, be it the part of those
    of whom nobody knows the value. So the parts by a dimension add up to the whole. -#}
{% macro segments(dimensions) -%}
    lateral (
        values
        ('all', null, null)
        {%- for dimension, value in dimensions.items() %},
        (
            '{{ dimension }}: ' || coalesce({{ value }}, '(none)'),
            '{{ dimension }}',
            {{ value }}
        )
        {%- endfor %}
    ) as segments (segment, dimension, dimension_value)
{%- endmacro %}
