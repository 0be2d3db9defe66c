(component
  (import "zenith:plugin/types@0.1.0" (instance (type (;0;) (instance))))
  (core module (@custom "zenith:api" "0.1.0"))
  (instance $plugin)
  (export "zenith:plugin/transform@0.1.0" (instance $plugin)))
