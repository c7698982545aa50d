// Package pool does jobs with a fixed number of workers and a bounded queue, and loses none of them.
//
// Every job that the pool accepted has exactly one result: the value or the error of its handler, a *PanicError, or ErrAbandoned. So
//
//	Accepted == Completed + Failed + Abandoned
//
// once the pool is shut down. Until then, it does what it can to have no more to do than it can bear: a result that nobody takes keeps its
// worker, workers that are kept leave the queue full, and a full queue has Submit wait.
//
// # Results
//
// They go one of two ways: to Options.OnResult, called by the workers, or to a loop over Results. Beside either, Do waits for the result of
// one job, as if it called the handler.
//
// # The end
//
// That the context of New ends does not stop the pool: a program that is told to stop still has to end what it began. Shutdown takes no
// more jobs and waits for those accepted. It waits until its context ends; then the jobs that run are cancelled, with ErrAbandoned as the
// cause, and those in the queue are not begun. A handler that ignores its context is not waited for, but the error of Shutdown tells of it.
// Its result still comes if it returns later.
//
// # What handlers do
//
// A panic or a runtime.Goexit costs its job and no more: the pool goes on with as many workers. A handler may call Submit, and while its pool
// is shut down gets ErrClosed; but when all workers wait for a place in the queue, none is left to make one, so that TrySubmit is the better
// choice. For the same reason a handler must not call Do of its own pool.
package pool
