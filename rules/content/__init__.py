"""What people bring beside the stack file: rules, runbooks and dashboards as plain files."""
