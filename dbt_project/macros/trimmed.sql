{#- A text without the white space around it that Python's strip() takes off. -#}
{% macro trimmed(word) -%}
    {%- set white_space = ' \\t\\n\\r\\f\\x0b\\x1c\\x1d\\x1e\\x1f\\u0085\\u00a0\\u1680'
        ~ '\\u2000\\u2001\\u2002\\u2003\\u2004\\u2005\\u2006\\u2007\\u2008\\u2009\\u200a'
        ~ '\\u2028\\u2029\\u202f\\u205f\\u3000' -%}
    btrim({{ word }}, E'{{ white_space }}')
{%- endmacro %}
