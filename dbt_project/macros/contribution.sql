{#- What a member contributes to its period, in one text: two are equal if and only if they contribute
    the same. -#}
{% macro contribution(member) -%}
    format(
        '%s/%s/%s/%s',
        {{ member }}.is_success,
        round({{ member }}.days, 6),
        {{ member }}.amount,
        {{ member }}.spend
    )
{%- endmacro %}
