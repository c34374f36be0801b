-- What adds up cannot become less from one day to the next, nor can what is due of it. A failure
-- means that a member was counted on two days, or on none.
with

days as (

    select
        agreement_version,
        commitment_id,
        segment,
        period_start_date,
        date_day,
        sample_size_to_date,
        expected_to_date,
        lag(sample_size_to_date) over through_the_period as sample_size_before,
        lag(expected_to_date) over through_the_period as expected_before,
        lag(date_day) over through_the_period as day_before
    from {{ ref('sla_pacing') }}
    window through_the_period as (
        partition by agreement_version, commitment_id, segment, period_start_date
        order by date_day
    )

)

select * from days
where
    sample_size_to_date < sample_size_before
    or expected_to_date < expected_before
    or date_day <> day_before + 1
