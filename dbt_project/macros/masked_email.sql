{#- An e-mail address that tells whose company it is, and not who: the first letter and the domain. -#}
{% macro masked_email(email) -%}
    left({{ email }}, 1) || '***' || substring({{ email }} from '@.*$')
{%- endmacro %}
