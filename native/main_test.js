// node --test native/
'use strict'
const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
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
  const other = release(nowhere, 'f'.repeat(64))
  assert.throws(() => program({ ...env, INPUT_BINARY: file }, other, 'linux_amd64'), /not the program of v1\.2\.3/)
  assert.throws(() => program({ ...env, INPUT_BINARY: os.tmpdir() }, release(nowhere), 'linux_amd64'), /not the program of v1\.2\.3/)
  for (const known of [release(nowhere), null]) {
    assert.throws(() => program({ ...env, INPUT_BINARY: file + '.not' }, known, 'linux_amd64'), /input binary: no file is there\nhint: /)
  }
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
  const asked = () => { const answer = next(); worker.postMessage('asked'); return answer }
  return { url: `http://127.0.0.1:${port}`, asked, end: () => worker.terminate() }
}

test('the release is asked once, and the tool cache after that, unless the file was changed', async () => {
  const { env } = fixture()
  const packed = archive(bytes)
  const server = await served({ '/valetkey_v1.2.3_linux_amd64.tar.gz': packed, '/valetkey_v1.2.3_windows_amd64.tar.gz': packed })
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
    assert.ok(!fs.existsSync(env.RUNNER_TOOL_CACHE))
  } finally { await server.end() }
})

test('where the tool cache can\'t be written, the program goes to the temporary folder; where neither is, an error says so', async () => {
  const { file, env } = fixture()
  const server = await served({ '/valetkey_v1.2.3_linux_amd64.tar.gz': archive(bytes) })
  try {
    const folders = { RUNNER_TOOL_CACHE: file, RUNNER_TEMP: path.join(path.dirname(file), 'temp') } // a file is no folder
    const written = program({ ...env, ...folders }, release(server.url), 'linux_amd64')
    assert.equal(written, path.join(folders.RUNNER_TEMP, 'valetkey/v1.2.3/linux_amd64/valetkey'))
    const refused = /ENOTDIR|EEXIST|ENOENT/
    assert.throws(() => program({ ...env, RUNNER_TOOL_CACHE: file }, release(server.url), 'linux_amd64'), refused)
    assert.throws(() => program({ ...env, RUNNER_TOOL_CACHE: '' }, release(server.url), 'linux_amd64'), /RUNNER_TEMP is empty/)
  } finally { await server.end() }
})

// On Windows a program that runs can't be replaced; here, where it can, renaming fails instead.
test('a program that another job wrote meanwhile is taken', async t => {
  const { env } = fixture()
  const server = await served({ '/valetkey_v1.2.3_linux_amd64.tar.gz': archive(bytes) })
  try {
    t.mock.method(fs, 'renameSync', (fresh, file) => {
      fs.copyFileSync(fresh, file)
      throw new Error('EBUSY')
    })
    const file = program(env, release(server.url), 'linux_amd64')
    assert.deepEqual(fs.readdirSync(path.dirname(file)), ['valetkey'])
  } finally { await server.end() }
})

test('an archive that is cut short, or endless, is refused in words', async () => {
  const { env } = fixture()
  const server = await served({
    '/valetkey_v1.2.3_linux_amd64.tar.gz': archive(bytes).subarray(0, 40),
    '/valetkey_v1.2.3_windows_amd64.tar.gz': gzipSync(Buffer.alloc(1 << 27))
  })
  try {
    assert.throws(() => program(env, release(server.url), 'linux_amd64'), /tar\.gz: unexpected end of file\nhint: /)
    assert.throws(() => program(env, release(server.url), 'windows_amd64'), /tar\.gz: Cannot create a Buffer larger .*\nhint: /)
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
    const { env: another } = fixture()
    assert.ok(program({ ...another, HTTP_PROXY: server.url.replace('http://', '') }, release('http://downloads.invalid'), 'linux_amd64'))
  } finally { await server.end() }
})

test('a proxy\'s password is in no error', () => {
  const { env } = fixture()
  for (const proxy of ['http://user:pass-word@a host:80', 'socks9://user:pass-word@127.0.0.1:1', 'http://user:pass-word@127.0.0.1:1']) {
    assert.throws(() => program({ ...env, HTTP_PROXY: proxy }, release('http://downloads.invalid'), 'linux_amd64'), error =>
      /downloads\.invalid\/\S+: .+\nhint: /.test(error.message) && !error.message.includes('pass-word'))
  }
})

// Starts a script with a shell script for the program, as if on the system named.
function started (script, text, system, env = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'valetkey-native-'))
  for (const name of ['main.js', 'post.js']) fs.copyFileSync(path.join(__dirname, name), path.join(folder, name))
  const preload = `Object.defineProperty(process, 'platform', { value: '${system}' })`
  const files = { binary: '#!/bin/sh\n' + text, state: '', 'system.js': preload }
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), content, { mode: 0o755 })
  const child = spawn(process.execPath, ['-r', path.join(folder, 'system.js'), path.join(folder, script)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, GITHUB_STATE: path.join(folder, 'state'), INPUT_BINARY: path.join(folder, 'binary'), ...env }
  })
  const log = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => log.push(String(data)))
  const end = new Promise(resolve => child.on('close', (code, signal) => resolve({
    code, signal, log: log.join(''), state: fs.readFileSync(path.join(folder, 'state'), 'utf8')
  })))
  const says = text => new Promise(resolve => child.stdout.on('data', () => log.join('').includes(text) && resolve()))
  return { child, end, says }
}

const shell = { timeout: 60_000, skip: process.platform === 'win32' && 'the program of these tests is a shell script' }

test('a signal is passed on, and main ends as the program does', shell, async () => {
  const waiting = 'trap "echo revoked; exit 3" INT\necho ready\nwhile :; do sleep 0.1; done\n'
  const { child, end, says } = started('main.js', waiting, process.platform)
  await says('ready')
  child.kill('SIGINT')
  const { code, log, state } = await end
  assert.deepEqual({ code, log, state }, { code: 3, log: 'ready\nrevoked\n', state: 'native=started\n' })
})

// There the program has the signal from the runner, as main has: it may not be killed, and main has to wait for it.
test('on Windows main outlives the signal that the program has too', shell, async () => {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    const { child, end, says } = started('main.js', 'echo ready\nsleep 0.5\necho revoked\nexit 3\n', 'win32')
    await says('ready')
    child.kill(signal)
    const { code, log } = await end
    assert.deepEqual({ code, log }, { code: 3, log: 'ready\nrevoked\n' })
  }
})

test('a program that was killed fails main, and is a warning in post', shell, async () => {
  const main = await started('main.js', 'kill -9 $$\n', process.platform).end
  assert.deepEqual([main.code, main.log], [1, '::error::ended by SIGKILL\n'])
  const post = await started('post.js', 'kill -9 $$\n', process.platform, { STATE_native: 'started' }).end
  assert.deepEqual([post.code, post.log], [0, '::warning::ended by SIGKILL\n'])
})

test('where main started no program, post has nothing to do', shell, async () => {
  const main = await started('main.js', '', process.platform, { INPUT_BINARY: '/nowhere' }).end
  assert.deepEqual([main.code, main.state], [1, ''])
  const post = await started('post.js', 'echo started\n', process.platform).end
  assert.deepEqual([post.code, post.log], [0, ''])
  const stateless = await started('main.js', 'echo started\n', process.platform, { GITHUB_STATE: '' }).end
  assert.deepEqual([stateless.code, stateless.log], [0, 'started\n'])
})
