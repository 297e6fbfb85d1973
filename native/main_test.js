// node --test native/
'use strict'
const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { gzipSync } = require('node:zlib')
const { platform, program } = require('./main.js')

test('each runner has its program, and others an error', () => {
  for (const [system, machine, name] of [
    ['linux', 'x64', 'linux_amd64'], ['linux', 'arm64', 'linux_arm64'],
    ['darwin', 'x64', 'darwin_amd64'], ['darwin', 'arm64', 'darwin_arm64'],
    ['win32', 'x64', 'windows_amd64'], ['win32', 'arm64', 'windows_arm64']
  ]) assert.equal(platform(system, machine), name)
  for (const [system, machine] of [['linux', 'arm'], ['freebsd', 'x64']]) {
    assert.throws(() => platform(system, machine), /there is no valetkey for/)
  }
})

const bytes = Buffer.from('a program')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const release = (downloads, sum = sha256) => ({ version: 'v1.2.3', downloads, sha256: { linux_amd64: sum, windows_amd64: sum } })
const nowhere = 'http://127.0.0.1:1'

function fixture () {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'valetkey-native-'))
  const file = path.join(folder, 'built')
  fs.writeFileSync(file, bytes)
  return { file, env: { RUNNER_TOOL_CACHE: path.join(folder, 'tools'), PATH: process.env.PATH, SystemRoot: process.env.SystemRoot } }
}

test('the input binary is taken when it is the release\'s own', () => {
  const { file, env } = fixture()
  assert.equal(program({ ...env, INPUT_BINARY: file }, release(nowhere), 'linux_amd64'), file)
  assert.equal(program({ ...env, INPUT_BINARY: file }, null, 'linux_amd64'), file)
})

test('another program, and a path that leads nowhere, are refused', () => {
  const { file, env } = fixture()
  assert.throws(() => program({ ...env, INPUT_BINARY: file }, release(nowhere, 'f'.repeat(64)), 'linux_amd64'), /not the program of v1\.2\.3/)
  assert.throws(() => program({ ...env, INPUT_BINARY: file + '.not' }, release(nowhere), 'linux_amd64'), /not the program of v1\.2\.3/)
  assert.throws(() => program({ ...env, INPUT_BINARY: file + '.not' }, null, 'linux_amd64'), /names no program/)
  assert.throws(() => program(env, null, 'linux_amd64'), /names no program/)
})

// A .tar.gz as a release has it: the program first.
function archive (content) {
  const header = Buffer.alloc(512)
  header.write('valetkey', 0)
  header.write(content.length.toString(8).padStart(11, '0'), 124)
  return gzipSync(Buffer.concat([header, content, Buffer.alloc(512)]))
}

// Serves from a thread of its own, since program waits for the answer.
async function served (answers) {
  const worker = new Worker(`
    const { parentPort, workerData } = require('node:worker_threads')
    const asked = []
    const server = require('node:http').createServer((request, response) => {
      asked.push(request.url)
      const answer = workerData[request.url]
      response.writeHead(answer ? 200 : 404).end(answer)
    }).on('connect', (request, socket) => {
      asked.push('CONNECT ' + request.url)
      socket.write('HTTP/1.1 200 Connection Established\\r\\n\\r\\n')
      server.emit('connection', socket)
    }).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
    parentPort.on('message', () => parentPort.postMessage(asked))
  `, { eval: true, workerData: answers })
  const next = () => new Promise(resolve => worker.once('message', resolve))
  const port = await next()
  return { url: `http://127.0.0.1:${port}`, asked: () => { const answer = next(); worker.postMessage('asked'); return answer }, end: () => worker.terminate() }
}

test('the release is asked once, and the tool cache after that, unless the file was changed', async () => {
  const { env } = fixture()
  const server = await served({ '/valetkey_v1.2.3_linux_amd64.tar.gz': archive(bytes), '/valetkey_v1.2.3_windows_amd64.tar.gz': archive(bytes) })
  try {
    const file = program(env, release(server.url), 'linux_amd64')
    assert.deepEqual(fs.readFileSync(file), bytes)
    if (process.platform !== 'win32') assert.equal(fs.statSync(file).mode & 0o777, 0o755)
    assert.equal(program(env, release(server.url), 'linux_amd64'), file)
    assert.equal((await server.asked()).length, 1)
    fs.writeFileSync(file, 'another program')
    assert.deepEqual(fs.readFileSync(program(env, release(server.url), 'linux_amd64')), bytes)
    assert.equal((await server.asked()).length, 2)
    assert.match(program(env, release(server.url), 'windows_amd64'), /valetkey\.exe$/)
    assert.deepEqual(fs.readdirSync(path.dirname(file)), ['valetkey'])
  } finally { await server.end() }
})

test('an archive that was changed leaves nothing behind', async () => {
  const { env } = fixture()
  const server = await served({ '/valetkey_v1.2.3_linux_amd64.tar.gz': archive(Buffer.from('another program')) })
  try {
    assert.throws(() => program(env, release(server.url), 'linux_amd64'), /is not the one of v1\.2\.3/)
    assert.deepEqual(fs.readdirSync(path.join(env.RUNNER_TOOL_CACHE, 'valetkey/v1.2.3/linux_amd64')), [])
  } finally { await server.end() }
})

test('what can\'t be fetched says why, and what to do', async () => {
  const { env } = fixture()
  const server = await served({})
  try {
    assert.throws(() => program(env, release(server.url), 'linux_amd64'), /linux_amd64\.tar\.gz: 404\nhint: /)
    assert.throws(() => program(env, release(nowhere), 'linux_amd64'), /: .+\nhint: let this runner reach/)
  } finally { await server.end() }
})

// Answers only by way of the proxy: the host's name leads nowhere.
test('the proxy is followed', async () => {
  const { env } = fixture()
  const server = await served({ '/valetkey_v1.2.3_linux_amd64.tar.gz': archive(bytes) })
  try {
    assert.ok(program({ ...env, HTTP_PROXY: server.url }, release('http://downloads.invalid'), 'linux_amd64'))
    assert.deepEqual(await server.asked(), ['CONNECT downloads.invalid:80', '/valetkey_v1.2.3_linux_amd64.tar.gz'])
  } finally { await server.end() }
})
