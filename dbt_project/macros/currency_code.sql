{#- The currency of an amount as one word for it: as the source spells it, else the one in which the
    agreement in force promises money, else XXX, the code of ISO 4217 for no currency. -#}
{% macro currency_code(currency, agreed_currency) -%}
    coalesce(upper(nullif({{ spelled(currency) }}, '')), {{ agreed_currency }}, 'XXX')
{%- endmacro %}
