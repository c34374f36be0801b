{#- What a calendar's business clock shows at an instant, read in that instant's row of
    int_business_clocks. During an opening it is a fixed span behind the time, and it never shows
    less than before: so of what the openings of the day say, each up to its closing, the most.
    Openings beyond the third of a day are rare, and looked up only where there are any. -#}
{% macro business_clock(at, day) -%}
    greatest(
        {{ day }}.shows_at_start,
        least({{ at }}, {{ day }}.closes_at_1) - {{ day }}.behind_1,
        least({{ at }}, {{ day }}.closes_at_2) - {{ day }}.behind_2,
        least({{ at }}, {{ day }}.closes_at_3) - {{ day }}.behind_3,
        case
            when {{ day }}.further_closes_at is not null
                then (
                    select max(least({{ at }}, further.closes_at) - further.behind)
                    from unnest({{ day }}.further_closes_at, {{ day }}.further_behind)
                        as further (closes_at, behind)
                )
        end
    )
{%- endmacro %}
