-- forget_nobodys: takes out open rows whose id is none. No job can be found by it, so there is nobody to tell.
-- Returns their queues and states.
DELETE FROM open_jobs WHERE length(id) <> 16 OR typeof(id) <> 'blob' RETURNING queue, state;
