-- Marketo knows of each lead that it shares with Salesforce which one it is there. No two orgs have
-- records of one id: so the id finds the record, whatever its system is called.

with

leads as (

    select * from {{ ref('stg_marketo__leads') }}

),

records as (

    select
        lead_id as sfdc_id,
        record_key
    from {{ ref('stg_salesforce__leads') }}

    union all

    select
        contact_id as sfdc_id,
        record_key
    from {{ ref('stg_salesforce__contacts') }}

),

cross_references as (

    select
        leads.record_key,
        records.record_key as linked_record_key
    from leads
    inner join records
        on leads.sfdc_lead_id = records.sfdc_id

    union

    select
        leads.record_key,
        records.record_key as linked_record_key
    from leads
    inner join records
        on leads.sfdc_contact_id = records.sfdc_id

)

select * from cross_references
