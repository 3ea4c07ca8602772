-- What is asked for too often is counted in one place: throttles (0008). See 0001 for how to read this file.

-- Both held what is of use for a day at most; their limits begin anew.
DROP TABLE mail_answers;
DROP TABLE fresh_links;
