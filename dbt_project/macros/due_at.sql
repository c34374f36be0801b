{#- The earliest instant at which so much business time has gone by since the start (spec §2): the
    opening that still began below the target holds it, so that a target reached exactly at closing
    is due at closing. Null where the calendar is laid out for less. -#}
{% macro due_at(start_at, start_day, target_seconds, opening_windows) -%}
    {%- set target -%}
        date_part('epoch', {{ business_clock(start_at, start_day) }}) + {{ target_seconds }}
    {%- endset -%}
    (
        select
            case
                when
                    {{ target }}
                    <= opening.seconds_before
                    + date_part('epoch', opening.closes_at - opening.opens_at)
                    then
                        opening.opens_at
                        + make_interval(secs => {{ target }} - opening.seconds_before)
            end
        from {{ opening_windows }} as opening
        where
            opening.version = {{ start_day }}.version
            and opening.calendar = {{ start_day }}.calendar
            -- as whole numbers, which is how they are indexed
            and opening.seconds_before < ceil({{ target }})::bigint
        order by opening.seconds_before desc
        limit 1
    )
{%- endmacro %}
