{#- The conditions of the agreement's `sql:` rules, as their authors wrote them. They are the one part
    of the agreement that becomes a part of a query: what else people write there is joined in as
    data. -#}
{% macro sql_conditions() -%}
    {%- if execute -%}
        {%- set conditions -%}
            select distinct operands[1]
            from {{ source('agreement', 'qualification_rules') }}
            where test = 'sql'
            order by 1
        {%- endset -%}
        {{- return(run_query(conditions).columns[0].values() | list) -}}
    {%- else -%}
        {{- return([]) -}}
    {%- endif -%}
{%- endmacro %}
