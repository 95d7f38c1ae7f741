"""What is asked of a change before it goes live: the tenant's questions, before and after."""
