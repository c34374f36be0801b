{#- How we know a value as of an entry, in words. The numbers behind them rise as the knowledge weakens:
    the weakest of several is their greatest. -#}
{% macro value_basis(basis) -%}
    (array['history', 'version', 'first_seen_after'])[{{ basis }}]
{%- endmacro %}
