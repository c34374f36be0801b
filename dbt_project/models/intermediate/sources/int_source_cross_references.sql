-- no system that is read so far names the records of another
select
    null::text as record_key,
    null::text as linked_record_key
where false
