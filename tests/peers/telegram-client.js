// grammy, a client of the Bot API by others, against a server of ours: node telegram-client.js URL TOKEN CHAT PICTURE
// Does what our plugin does, and says what it was told, a line of JSON each.
const { Bot, GrammyError, InputFile } = require('grammy');
const [, , url, token, chat, picture] = process.argv;
const bot = new Bot(token, { client: { apiRoot: url } });
const say = (what, value) => console.log(JSON.stringify({ what, value }));
(async () => {
    say('me', await bot.api.getMe());
    say('text', await bot.api.sendMessage(chat, 'xin chào', { link_preview_options: { is_disabled: true } }));
    say('photo', await bot.api.sendPhoto(chat, new InputFile(picture), { caption: 'ảnh' }));
    say('album', await bot.api.sendMediaGroup(chat, [0, 1].map(() => ({ type: 'photo', media: new InputFile(picture) }))));
    say('updates', await bot.api.getUpdates({ offset: 0, timeout: 0 }));
    for (const [name, to] of [['blocked', 403], ['nobody', 404], ['slow', 429]]) {
        try {
            await bot.api.sendMessage(to, 'x');
            say(name, null);
        } catch (error) {
            say(name, error instanceof GrammyError ? { code: error.error_code, text: error.description, parameters: error.parameters } : String(error));
        }
    }
})();
