{#- What a member contributes to its period, in one text: two are equal if and only if they contribute
    the same. -#}
{% macro contribution(member) -%}
    format(
        '%s/%s/%s/%s',
        {{ member }}.is_success,
        trim_scale(round({{ member }}.days, 6)),
        trim_scale({{ member }}.amount),
        trim_scale({{ member }}.spend)
    )
{%- endmacro %}
