"""What most tests want of a sync: one leg, from customers to members."""

ONE_LEG = """
insert into core.leg (sync, name, source_connection, source_entity, target_connection, target_entity, target_place, mapping_version)
select id, 'customer', source_connection, 'customer', target_connection, 'member', $1, mapping_version from core.sync
on conflict do nothing
"""
"""Gives it to every sync that has no leg of that name yet; its place is the argument."""
