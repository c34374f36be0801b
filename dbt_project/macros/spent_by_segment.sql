{#- What was spent in each period on the whole and on each channel and campaign: once for all marts that
    hold something against it. By month first, of which all periods are made: few rows are laid out. -#}
{% macro spent_by_segment(spend, period_kinds) -%}
    select
        {{ period_kinds }}.period_kind,
        date_trunc({{ period_kinds }}.period_kind, months.spent_month)::date as period_start_date,
        months.currency,
        segments.segment,
        segments.dimension,
        segments.dimension_value,
        sum(months.spent_amount) as spent_amount
    from (
        select
            campaign_key,
            channel,
            currency,
            date_trunc('month', spent_date::timestamp) as spent_month,
            sum(spent_amount) as spent_amount
        from {{ spend }}
        group by 1, 2, 3, 4
    ) as months
    cross join {{ period_kinds }}
    cross join
        {{ segments({'channel': 'months.channel', 'campaign': 'months.campaign_key'}) }}
    group by 1, 2, 3, 4, 5, 6
{%- endmacro %}
