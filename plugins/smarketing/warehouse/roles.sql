-- Who may do what in the warehouse: one role for each kind of work, none with more than its work
-- needs. Idempotent; run by `smarketing warehouse init`, or by an administrator who was given it by
-- `smarketing warehouse init --print`. The login that runs it owns the database, may create roles,
-- and becomes the one whose sessions take these roles.
--
--   smarketing_loader           writes raw_*, agreement, and its own record in ops
--   smarketing_transformer      reads raw_* and agreement, builds the candidate, keeps the night's
--                               record; cannot touch what is published
--   smarketing_auditor          reads everything that a night is made of, writes what its checks said
--   smarketing_publisher        owns what is published: puts the candidate in its place, and back
--   smarketing_reader           reads the published marts, without personal columns
--   smarketing_contact_reader   a reader who may also see whom to call: personal columns

do $$
declare
    role text;
begin
    foreach role in array array[
        'loader', 'transformer', 'auditor', 'publisher', 'reader', 'contact_reader'
    ]
    loop
        begin
            execute format('create role smarketing_%s', role);
        exception
            -- there already, or made this very moment by another night on this server
            when duplicate_object or unique_violation then null;
        end;
    end loop;
    -- by default whoever may log in to the server may enter any database of it
    execute format('revoke all on database %I from public', current_database());
    execute format(
        'grant connect on database %I to smarketing_loader, smarketing_transformer, '
        'smarketing_auditor, smarketing_publisher, smarketing_reader, smarketing_contact_reader',
        current_database()
    );
    -- rejected rows pass through a temporary table
    execute format('grant temporary on database %I to smarketing_loader', current_database());
    -- one builds the candidate's schema, the other gives it its name
    execute format(
        'grant create on database %I to smarketing_transformer, smarketing_publisher',
        current_database()
    );
end
$$;

alter role smarketing_reader login;
alter role smarketing_contact_reader login;
grant smarketing_reader to smarketing_contact_reader;
-- the candidate is the transformer's until it is published
grant smarketing_transformer to smarketing_publisher;
grant smarketing_loader, smarketing_transformer, smarketing_auditor, smarketing_publisher
to current_user;
