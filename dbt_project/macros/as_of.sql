{#- The instant that the night speaks for, as a literal. No model reads the clock (spec §0). -#}
{% macro as_of() -%}
    {{- _instant('as_of') -}}
{%- endmacro %}


{#- What had been extracted by then. Equal to as_of on the night itself, later in a restatement. -#}
{% macro known_at() -%}
    {{- _instant('known_at') -}}
{%- endmacro %}


{% macro _instant(name) -%}
    {%- set instant = var(name, none) -%}
    {%- if instant is none and execute -%}
        {{- exceptions.raise_compiler_error(
            "The run gives no " ~ name ~ ". Pass --vars '{as_of: 2026-10-20T02:00:00+00:00, "
            ~ "known_at: 2026-10-20T02:00:00+00:00}', or run the night with `make nightly`."
        ) -}}
    {%- endif -%}
    timestamptz '{{ instant }}'
{%- endmacro %}
