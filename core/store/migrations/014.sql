-- Call-backs that are done with are deleted after a while, and those that were refused are counted without reading all.

CREATE INDEX hook_done ON hook (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX hook_refused ON hook (channel_id, at) WHERE result <> 0;
