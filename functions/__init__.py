"""The services. One folder, one zip, one Lambda function each."""
