// masto, a client of Mastodon by others, against a server of ours: node mastodon-client.mjs URL TOKEN PICTURE
// Does what our plugin does, and says what it was told, a line of JSON each.
import { readFileSync } from 'node:fs';
import { createRestAPIClient } from 'masto';

const [, , url, accessToken, picture] = process.argv;
const masto = createRestAPIClient({ url, accessToken });
const say = (what, value) => console.log(JSON.stringify({ what, value }));
const media = await masto.v2.media.create({ file: new Blob([readFileSync(picture)], { type: 'image/png' }) });
say('media', media);
say('status', await masto.v1.statuses.create({ status: 'xin chào', visibility: 'public', mediaIds: [media.id] }));
say('shown', await masto.v1.statuses.$select('1').fetch());
say('mentions', await masto.v1.notifications.list({ types: ['mention'], limit: 40 }));
try {
    await masto.v1.statuses.create({ status: 'x'.repeat(501) });
} catch (error) {
    say('refused', { status: error.statusCode, text: error.message });
}
