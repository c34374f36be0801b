{#- Business time from one instant to another (spec §2), in seconds: 0 where the end does not lie after
    the start, null where the calendar is not laid out for either of them. -#}
{% macro business_seconds(start_at, start_day, end_at, end_day) -%}
    case
        when {{ end_at }} <= {{ start_at }} then 0
        else
            date_part(
                'epoch',
                {{ business_clock(end_at, end_day) }} - {{ business_clock(start_at, start_day) }}
            )
    end
{%- endmacro %}
