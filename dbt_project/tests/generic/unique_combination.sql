{#- The columns together name a row: no combination comes twice, and none of them is null. This is
    what a description means by its grain. -#}
{% test unique_combination(model, columns) %}
    {%- if columns is string or columns is not sequence or not columns -%}
        {{ exceptions.raise_compiler_error(
            "unique_combination on " ~ model.identifier ~ ": columns must be a list of column "
            ~ "names such as [lead_id, entry_number], not " ~ columns | tojson ~ "."
        ) }}
    {%- endif %}

    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
