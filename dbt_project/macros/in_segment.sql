{#- Whether something belongs to a period's segment: everybody does, or whoever has the segment's value
    in its dimension. Words are compared as everywhere, without regard to case and white space. -#}
{% macro in_segment(periods, dimensions) -%}
    (
        {{ periods }}.dimension is null
        or {{ spelled(periods ~ '.dimension_value') }} = {{ spelled(
            'case ' ~ periods ~ '.dimension' ~ _cases(dimensions) ~ ' end'
        ) }}
    )
{%- endmacro %}


{% macro _cases(dimensions) -%}
    {%- for dimension, value in dimensions.items() %} when '{{ dimension }}' then {{ value }}
    {%- endfor -%}
{%- endmacro %}
