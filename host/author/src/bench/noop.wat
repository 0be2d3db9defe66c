;; The transform that does nothing: it takes its input, and hands over as many bytes as its configuration
;; says, a decimal number. What a call of it takes is what the boundary takes: the copy in, the copy out
;; and the call itself.
(module
  (import "[export]zenith:plugin/transform@0.1.0" "[resource-new]instance" (func $new (param i32) (result i32)))
  (import "zenith:plugin/types@0.1.0" "[method]output.write" (func $write (param i32 i32 i32)))
  (import "zenith:plugin/types@0.1.0" "[resource-drop]output" (func $drop (param i32)))
  (memory (export "memory") 1)

  ;; Bytes that `apply` hands over.
  (global $length (mut i32) (i32.const 0))

  (func (export "zenith:plugin/transform@0.1.0#[static]instance.configure")
    (param $text i32) (param $left i32) (result i32)
    (block $read
      (loop $digit
        (br_if $read (i32.eqz (local.get $left)))
        (global.set $length
          (i32.add
            (i32.mul (global.get $length) (i32.const 10))
            (i32.sub (i32.load8_u (local.get $text)) (i32.const 48))))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $digit)))
    ;; What is handed over lies in front of what is taken.
    (call $make_room (i32.add (i32.const 1024) (global.get $length)))
    (call $reset (i32.const 0))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (call $new (i32.const 1)))
    (i32.const 16))

  (func (export "zenith:plugin/transform@0.1.0#[method]instance.plan")
    (param i32) (param $dtype i32) (param $shape i32) (param $rank i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store8 (i32.const 20) (local.get $dtype))
    (i32.store (i32.const 24) (local.get $shape))
    (i32.store (i32.const 28) (local.get $rank))
    (i32.store (i32.const 32) (i32.const 0))
    (i32.const 16))

  (func (export "zenith:plugin/transform@0.1.0#[method]instance.window")
    (param i32 i32 i32 i64) (result i32)
    (unreachable))

  (func (export "zenith:plugin/transform@0.1.0#[method]instance.apply")
    (param i32 i32 i32 i32 i32 i32 i64) (param $output i32) (result i32)
    (call $write (local.get $output) (i32.const 1024) (global.get $length))
    (call $drop (local.get $output))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.const 16))

  (func (export "zenith:plugin/transform@0.1.0#[dtor]instance") (param i32))

  (global $next (mut i32) (i32.const 1024))
  (func $reset (param i32)
    (global.set $next
      (i32.and (i32.add (i32.const 1039) (global.get $length)) (i32.const -16))))
  (export "cabi_post_zenith:plugin/transform@0.1.0#[method]instance.apply" (func $reset))
  (export "cabi_post_zenith:plugin/transform@0.1.0#[method]instance.plan" (func $reset))

  (func $make_room (param $end i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub
        (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (unreachable))))))

  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $start i32)
    (local.set $start
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $start) (local.get $size)))
    (call $make_room (global.get $next))
    (local.get $start)))
