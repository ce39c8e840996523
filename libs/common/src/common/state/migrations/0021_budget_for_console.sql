-- The console tries connections at their vendors, and no call to a vendor passes by the budgets.

grant insert, update, delete on flow.budget_window, flow.budget_day to millrace_console;
