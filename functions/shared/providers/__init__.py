"""Language models behind one interface; an SDK is imported when it is first needed."""
