-- insert_label: makes a job on record findable by one of its labels.
-- ? name  ? value  ? id  ? id
INSERT INTO job_labels (name, value, id, seq) SELECT ?, ?, ?, seq FROM jobs WHERE id = ?;
