// imapflow against a server: the module, then a port, a certificate, a user and a password. It fails where something is not as it should be.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import net from 'node:net';
import fs from 'node:fs';

const [module, port, certificate, smtp, user, pass] = process.argv.slice(2);
const { ImapFlow } = createRequire(module)('imapflow');
setTimeout(() => { console.error('takes too long'); process.exit(3); }, 50_000).unref();

const client = new ImapFlow({
    host: '127.0.0.1', port: Number(port), secure: true, servername: 'hamburger.edu',
    tls: { ca: fs.readFileSync(certificate) }, auth: { user, pass }, logger: false, clientInfo: { name: 'interop' },
});
client.on('error', error => { console.error(error); process.exit(4); });

// Delivers a message as another server does.
const deliver = subject => new Promise((resolve, reject) => {
    const socket = net.connect(Number(smtp), '127.0.0.1');
    const lines = ['EHLO crepes.fr', 'MAIL FROM:<alice@crepes.fr>', `RCPT TO:<${user}>`, 'DATA', `Subject: ${subject}\r\n\r\nDo you like ketchup?\r\n.`, 'QUIT'];
    let text = '';
    socket.setEncoding('utf8').on('data', more => {
        text += more;
        while (/^\d{3} .*\r\n/m.test(text)) {
            const end = text.match(/^\d{3} .*\r\n/m);
            text = text.slice(end.index + end[0].length);
            if (end[0] >= '4') return reject(new Error(end[0]));
            if (lines.length) socket.write(lines.shift() + '\r\n');
        }
    }).on('close', resolve).on('error', reject);
});

await client.connect();
const folders = await client.list({ statusQuery: { messages: true, unseen: true } });
assert.deepEqual(folders.map(folder => folder.path).sort(), ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash']);
assert.equal(folders.find(folder => folder.specialUse === '\\Sent').path, 'Sent');
await client.mailboxCreate(['받은 편지', '하나']);
assert.equal((await client.list()).filter(folder => folder.path.startsWith('받은 편지')).length, 2);

const attachment = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251));
const message = Buffer.from([
    'From: Alice <alice@crepes.fr>', `To: ${user}`, 'Subject: =?utf-8?B?' + Buffer.from('인생의 의미').toString('base64') + '?=',
    'Message-ID: <flow.1@crepes.fr>', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=flow', '', '--flow',
    'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit', '', '케첩을 좋아하세요?', '--flow', 'Content-Type: application/octet-stream',
    'Content-Transfer-Encoding: base64', 'Content-Disposition: attachment; filename=menu.bin', '', attachment.toString('base64').replace(/.{76}/g, '$&\r\n'), '--flow--', '',
].join('\r\n'));
for (let number = 0; number < 5; number++) {
    const appended = await client.append('INBOX', message, ['\\Flagged'], new Date('2026-11-23T09:00:00Z'));
    assert.ok(appended.uid > 0);
}

const lock = await client.getMailboxLock('INBOX');
try {
    assert.equal(client.mailbox.exists, 5);
    const seen = [];
    for await (const row of client.fetch('1:*', { uid: true, flags: true, envelope: true, bodyStructure: true, size: true, internalDate: true, source: true })) {
        assert.equal(row.envelope.subject, '인생의 의미');
        assert.equal(row.size, message.length);
        assert.ok(row.flags.has('\\Flagged'));
        assert.ok(row.source.equals(message));
        assert.equal(row.bodyStructure.childNodes.length, 2);
        assert.equal(row.internalDate.toISOString(), '2026-11-23T09:00:00.000Z');
        seen.push(row.uid);
    }
    assert.equal(seen.length, 5);
    const { content, meta } = await client.download('1', '2');
    const parts = [];
    for await (const part of content) parts.push(part);
    assert.ok(Buffer.concat(parts).equals(attachment));
    assert.equal(meta.filename, 'menu.bin');
    assert.deepEqual(await client.search({ flagged: true, subject: '인생의', from: 'alice' }, { uid: true }), seen);
    assert.deepEqual(await client.search({ seen: true }), []);
    assert.ok(await client.messageFlagsAdd('1:2', ['\\Seen', '$Flow']));
    assert.equal((await client.search({ keyword: '$Flow' })).length, 2);
    const moved = await client.messageMove('1:2', '받은 편지/하나');
    assert.equal(moved.uidMap.size, 2);
    const copied = await client.messageCopy('1', 'Archive');
    assert.equal(copied.uidMap.size, 1);
    assert.ok(await client.messageDelete('1'));
    assert.equal((await client.search({ all: true })).length, 2);
} finally {
    lock.release();
}
assert.equal((await client.status('받은 편지/하나', { messages: true })).messages, 2);

await client.mailboxOpen('INBOX');
const told = new Promise(resolve => client.once('exists', resolve));
const idling = client.idle();
await new Promise(resolve => setTimeout(resolve, 300));
await deliver('while it is idle');
const event = await told;
assert.equal(event.count, 3);
await client.noop();
await idling;
assert.equal((await client.fetchOne('*', { envelope: true })).envelope.subject, 'while it is idle');
await client.mailboxRename('받은 편지', '옮긴 편지');
await client.mailboxDelete('옮긴 편지/하나');
await client.logout();
console.log('done');
process.exit(0);
