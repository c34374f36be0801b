{#- Of the rows of a group, taken in an order, the first value that is known. -#}
{% macro first_known(column, ordering) -%}
    (array_agg({{ column }} {{ ordering }}) filter (where {{ column }} is not null))[1]
{%- endmacro %}
