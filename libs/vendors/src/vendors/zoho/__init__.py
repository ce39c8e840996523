"""What Zoho Books, CRM and Campaigns share: the data centres and the accounts servers."""
