-- The three roles, the three schemas, and who may do what in them.
--
--   core   what people configure: the console writes it, services only read it, the broker may call two functions in it
--   flow   what is on its way: ingest, mapper and writers write it, the console reads it
--   vault  credentials: owned by the token-broker, unreadable for every other role
--
-- Default privileges give each later table its rights by its schema, so that no migration can forget them.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['millrace_service', 'millrace_console', 'millrace_broker'] loop
        begin
            if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
                execute format('create role %I login nosuperuser nocreatedb nocreaterole noinherit noreplication nobypassrls', wanted);
            end if;
        exception
            -- Roles belong to the whole server: a starter of another database may have been quicker.
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;

do $$
begin
    -- No role but ours gets in by default, and none may make objects outside its own schema.
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to millrace_service, millrace_console, millrace_broker', current_database());
end
$$;

revoke all on schema public from public;

create schema if not exists core;
create schema if not exists flow;

do $$
declare
    lend boolean;
begin
    if not exists (select from pg_catalog.pg_namespace where nspname = 'vault') then
        -- Making a schema for another role takes membership in it; an owner that is no superuser borrows it for this line.
        select not rolsuper from pg_catalog.pg_roles where rolname = current_user into lend;
        if lend then
            execute format('grant millrace_broker to %I', current_user);
        end if;
        create schema vault authorization millrace_broker;
        if lend then
            execute format('revoke millrace_broker from %I', current_user);
        end if;
    end if;
end
$$;

grant usage on schema core to millrace_service, millrace_console, millrace_broker;
grant usage on schema flow to millrace_service, millrace_console;

-- Functions can be executed by everybody unless this is said for the role that makes them, in all schemas.
alter default privileges revoke execute on functions from public;

alter default privileges in schema core grant select on tables to millrace_service;
alter default privileges in schema core grant select, insert, update, delete on tables to millrace_console;
alter default privileges in schema core grant usage, select on sequences to millrace_console;
alter default privileges in schema core grant execute on functions to millrace_console;

alter default privileges in schema flow grant select, insert, update, delete on tables to millrace_service;
alter default privileges in schema flow grant usage, select on sequences to millrace_service;
alter default privileges in schema flow grant execute on functions to millrace_service;
alter default privileges in schema flow grant select on tables to millrace_console;

-- The list of applied migrations is older than these rules.
grant select on flow.applied_migration to millrace_service, millrace_console;
