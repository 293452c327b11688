"""The inbox: by it a consumer knows an event again that it has handled already."""
