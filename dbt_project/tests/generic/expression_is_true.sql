{#- Every row satisfies the expression. Null is not true: an expression that may be unknown has to
    say what that means. -#}
{% test expression_is_true(model, expression) %}
    {%- if expression is not string or not expression | trim -%}
        {{ exceptions.raise_compiler_error(
            "expression_is_true on " ~ model.identifier ~ ": expression must be a SQL condition "
            ~ "such as 'exited_at >= entered_at', not " ~ expression | tojson ~ "."
        ) }}
    {%- endif %}

    select *
    from {{ model }}
    where ({{ expression }}) is not true
{% endtest %}
