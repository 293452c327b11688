"""What tests share: private servers, waiting, a browser."""
