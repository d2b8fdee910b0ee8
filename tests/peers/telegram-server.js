// telegram-test-api, a Bot API server by others: node telegram-server.js PORT
const TelegramServer = require('telegram-test-api');
const server = new TelegramServer({ port: Number(process.argv[2]), host: '127.0.0.1', storage: 'RAM', storeTimeout: 60 });
server.start().then(() => console.log('ready'));
