// Ends what main.js began. A token that can't be revoked is a warning, and never a failed job.
if (process.env.STATE_native) require('./main.js').start('post', 'warning')
