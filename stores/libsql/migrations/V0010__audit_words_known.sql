-- The words that there are. What a search looks for begins a word; the index goes through the events of a whole word in
-- order, and lists those of all words that begin alike first.
CREATE VIRTUAL TABLE ee_audit_words_known USING fts5vocab (ee_audit_words, instance);
