{#- The earliest instant at which so much business time has gone by since the start (spec §2): it lies in
    the last opening that begins before the clock shows the target, so that a target reached exactly
    at closing is due at closing. Null where the calendar is not laid out so far. -#}
{% macro due_at(start_at, start_day, target_seconds, business_windows) -%}
    {%- set target -%}
        {{ business_clock(start_at, start_day) }} + make_interval(secs => {{ target_seconds }})
    {%- endset -%}
    (
        select
            case
                when {{ target }} <= opening.closes_at - opening.behind
                    then {{ target }} + opening.behind
            end
        from {{ business_windows }} as opening
        where
            opening.version = {{ start_day }}.version
            and opening.calendar = {{ start_day }}.calendar
            and opening.shows_at_opening < {{ target }}
        order by opening.shows_at_opening desc
        limit 1
    )
{%- endmacro %}
